"""Changes made from a page: forms, previews of exactly what is saved, undoing."""
