"""Evidence on finite symmetries: elements one by one, tables of them, and groups decided by their generators."""
