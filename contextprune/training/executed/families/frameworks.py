"""Frameworks that check and run what projects declare: Django's models, Ansible's playbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from contextprune.training.executed.checks import Check, made_in
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import Language

_MODELS = Language(
    ".py",
    "from django.db import models\n",
    (
        (
            "\n\nclass @f@(models.Model):\n    @a@ = models.IntegerField(default=@k@)\n    @@\n"
            "    @b@ = models.CharField(max_length=@k@@m@)\n"
        ),
        (
            "\n\nclass @f@(models.Model):\n    @a@ = models.DecimalField(max_digits=9, decimal_places=2)\n"
            "    @b@ = models.DateField(null=True)\n    @@\n\n    class Meta:\n        ordering = ['@a@']\n"
        ),
    ),
    "",
    (
        ("a text field without its greatest length", "@n@ = models.CharField()"),
        ("a link to a model that is not there", "@n@ = models.ForeignKey('shop.Missing@n@', on_delete=models.CASCADE)"),
        ("a number that is longer than it may be", "@n@ = models.DecimalField(max_digits=2, decimal_places=5)"),
        ("a decimal without its number of digits", "@n@ = models.DecimalField()"),
        ("two defaults that exclude one another", "@n@ = models.DateField(auto_now=True, auto_now_add=True)"),
        ("a name that ends with an underscore", "@n@_ = models.IntegerField()"),
        ("a unique link to many", "@n@ = models.ManyToManyField('auth.User', unique=True)"),
        ("choices that are no pairs", "@n@ = models.CharField(max_length=9, choices='ab')"),
        ("a link to many that may be null", "@n@ = models.ManyToManyField('auth.User', null=True)"),
        ("a name with two underscores inside", "@n@__x = models.IntegerField()"),
        ("a default that all rows share", "@n@ = models.JSONField(default={})"),
        ("a length of nothing", "@n@ = models.CharField(max_length=-1)"),
    ),
    camel=True,
)
_SETTINGS = """SECRET_KEY = "made"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}}
"""
_DJANGO = Form(
    r"(?:\?|[\w.]+): \((?P<code>[a-z]+\.[EW]\d+)\) ",
    more=r"\s+HINT|\s+\S",
    heading=r"(?:ERRORS|WARNINGS):",
    summary=r"System check identified|SystemCheckError|Migrations for|  Applying .* OK",
)


def _django_project(_rng: Random, names: Sequence[str]) -> Mapping[str, str]:
    imports = "".join(f"from shop.parts.{name.rpartition('/')[2].removesuffix('.py')} import *\n" for name in names)
    return {"conf.py": _SETTINGS, "shop/__init__.py": "", "shop/parts/__init__.py": "", "shop/models.py": imports}


_TASKS = Language(
    ".yml",
    "- hosts: localhost\n  gather_facts: false\n  ignore_errors: true\n  tasks:",
    (
        "    - name: @f@ for @a@\n      ansible.builtin.copy:\n        content: '@k@'\n        dest: ./@f@.x\n    @@\n",
        "    - name: @f@ of @b@\n      ansible.builtin.debug:\n        msg: '@a@ is @m@'\n    @@\n",
    ),
    "",
    (
        ("a program that is not installed", "- name: Start @n@\n  ansible.builtin.command: @n@ --now"),
        ("a variable that is not defined", "- name: Show @n@\n  ansible.builtin.debug:\n    msg: '{{ @n@ }}'"),
        (
            "a folder that is not there",
            "- name: Write @n@\n  ansible.builtin.copy:\n    content: x\n    dest: ./no/@n@.txt",
        ),
        ("a condition that does not hold", "- name: Verify @n@\n  ansible.builtin.assert:\n    that: 1 > 2"),
        ("a command that ends badly", "- name: Migrate @n@\n  ansible.builtin.command: 'false'"),
        (
            "a file to copy that is missing",
            "- name: Fetch @n@\n  ansible.builtin.copy:\n    src: @n@.cfg\n    dest: ./x",
        ),
    ),
)
_ANSIBLE = Form(
    r"fatal: \[|failed: \[|An exception occurred|ERROR! ",
    more=r"\.\.\.ignoring|\s+\S",
    heading=r"TASK \[(?P<file>[^\]]+)\]",
    summary=r"\S+\s+: ok=",
)
_ANSIBLE_ENV = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_LOCALHOST_WARNING": "0",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
    "ANSIBLE_HOME": "/tmp/ansible-made",  # noqa: S108 - its own cache, nothing secret
    "HOME": "/tmp",  # noqa: S108 - it writes its modules there
}

CHECKS = (
    Check(
        "django",
        ("django-admin",),
        (
            ("django-admin check --pythonpath . --settings conf", _DJANGO),
            ("django-admin makemigrations shop --pythonpath . --settings conf", _DJANGO),
        ),
        made_in(_MODELS, _django_project, "shop/parts/"),
    ),
    Check(
        "ansible",
        ("ansible-playbook",),
        (("ansible-playbook -i localhost, -c local {files}", _ANSIBLE),),
        made_in(_TASKS, single=True),
        _ANSIBLE_ENV,
    ),
)
