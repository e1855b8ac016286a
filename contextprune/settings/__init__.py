"""Settings: the only reader of the environment and of configuration files."""

from contextprune.settings.folders import config_folder, data_folder, process_environment, set_variable
from contextprune.settings.groups import Group
from contextprune.settings.load import load_settings, read_table, resolve_settings, warn
from contextprune.settings.sources import Written
from contextprune.settings.values import SETTINGS, Resolved, Settings, masked

__all__ = [
    "SETTINGS",
    "Group",
    "Resolved",
    "Settings",
    "Written",
    "config_folder",
    "data_folder",
    "load_settings",
    "masked",
    "process_environment",
    "read_table",
    "resolve_settings",
    "set_variable",
    "warn",
]
