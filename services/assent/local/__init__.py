"""Kafka, Postgres and the services of one data directory, on this machine alone.

Everything comes with the Python packages: no Docker, no Java and no database are installed first.
"""

from assent.local.child_process import StartFailed
from assent.local.data_directory import Directory, DirectoryInUse, StackNotRunning
from assent.local.jars import JarMismatch, JarsUnavailable
from assent.local.stack import Stack
from assent.local.supervisor import Service, ServiceStatus, State, Supervisor
from assent.local.system_user import NoSystemUser

__all__ = [
    "Directory",
    "DirectoryInUse",
    "JarMismatch",
    "JarsUnavailable",
    "NoSystemUser",
    "Service",
    "ServiceStatus",
    "Stack",
    "StackNotRunning",
    "StartFailed",
    "State",
    "Supervisor",
]
