"""Settings: the only reader of the environment and of configuration files."""

from contextprune.settings.folders import config_folder, data_folder, process_environment
from contextprune.settings.load import load_settings, resolve_settings, warn
from contextprune.settings.values import Resolved, Settings

__all__ = [
    "Resolved",
    "Settings",
    "config_folder",
    "data_folder",
    "load_settings",
    "process_environment",
    "resolve_settings",
    "warn",
]
