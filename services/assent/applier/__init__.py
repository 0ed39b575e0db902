"""The first applier: writes scripts and app manifests into a folder."""
