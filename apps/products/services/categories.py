"""The tree of categories. Whoever hangs a branch elsewhere holds the tree's lock: two at once could make a circle."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from apps.products.errors import CategoryInCircle, CategoryInUse, CategoryNotFound, SlugTaken
from apps.products.models import Category
from apps.products.services.indexing import note_category_changed
from apps.products.services.names import names_kept_unique
from core.locks import lock


@transaction.atomic
def create_category(*, particulars: Mapping[str, Any]) -> Category:
    """Add a category; raises `CategoryNotFound` for an unknown parent, or `SlugTaken`."""
    category = Category(**particulars)
    category.slug = category.slug or slugify(category.name)[:120].strip("-")
    if not category.slug:
        raise SlugTaken("Give it a slug: its name has no Latin letters to make one of.", param="slug")
    require_no_circle(category_id=category.pk, parent_id=category.parent_id)
    with names_kept_unique():
        category.save(force_insert=True)
    return category


@transaction.atomic
def update_category(*, slug: str, changes: Mapping[str, Any]) -> Category:
    """Change what is given; raises `CategoryNotFound`, `CategoryInCircle` or `SlugTaken`."""
    lock("category-tree")
    category = _locked(slug)
    if "parent_id" in changes:
        require_no_circle(category_id=category.pk, parent_id=changes["parent_id"])
    for name, value in changes.items():
        setattr(category, name, value)
    with names_kept_unique():
        category.save()
    note_category_changed(category.pk)
    return category


@transaction.atomic
def delete_category(*, slug: str) -> None:
    """Delete an empty category; raises `CategoryNotFound` or `CategoryInUse`."""
    category = _locked(slug)
    try:
        category.delete()
    except ProtectedError:
        raise CategoryInUse from None


def require_no_circle(*, category_id: UUID, parent_id: UUID | None) -> None:
    """Hold the tree until the transaction ends; raises `CategoryInCircle`, or `CategoryNotFound` for the parent."""
    lock("category-tree")
    parents = dict(Category.objects.values_list("pk", "parent_id"))
    if parent_id is not None and parent_id not in parents:
        raise CategoryNotFound(param="parent")
    seen: set[UUID | None] = set()
    while parent_id is not None and parent_id not in seen:
        if parent_id == category_id:
            raise CategoryInCircle(param="parent")
        seen.add(parent_id)
        parent_id = parents[parent_id]


def _locked(slug: str) -> Category:
    category = Category.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if category is None:
        raise CategoryNotFound
    return category
