"""The console: server-rendered pages for people. They work without scripts; htmx makes them live."""
