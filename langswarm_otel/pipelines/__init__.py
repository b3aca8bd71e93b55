"""Assembling, switching and reading the providers: everything between the API's handles and the exporters."""
