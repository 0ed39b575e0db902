"""The reference applier: writes scripts and app manifests into a folder."""
