"""What `manage.py policy` can do, a module for each verb."""
