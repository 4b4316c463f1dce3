"""detect-secrets with its default plugins and filters, file by file."""
from importlib.metadata import version

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

NAME = f"detect-secrets {version('detect-secrets')}"


def find(material):
    for name, source in material.sources.items():
        with default_settings():
            secrets = SecretsCollection()
            secrets.scan_file(str(material.folder / name))
            for _, secret in secrets:
                yield "credential", secret.secret_value, source
