"""What `manage.py statements` does, a verb a class."""
