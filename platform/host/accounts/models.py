"""The user: an e-mail address, a role, and a one-to-one link down to the subject that the other rooms know."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models

from compliance.subjects.models import Subject


class Role(models.TextChoices):
    """What an account is for (DESIGN §6)."""

    PERSON = "person", "person"
    RESEARCHER = "researcher", "researcher"
    REGULATOR = "regulator", "regulator"
    MODERATOR = "moderator", "moderator"
    OPERATOR = "operator", "operator"


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; the address is normalised."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an operator who may use the admin site."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, role=Role.OPERATOR, **fields)


class User(AbstractUser):
    """An account. Nothing below the host refers to it."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    display_name = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.PERSON)
    subject = models.OneToOneField(Subject, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()  # type: ignore[misc,assignment]

    def __str__(self) -> str:
        return self.display_name or f"account {self.pk}"
