"""Row and bulk actions: their declaration, menus and dialogs."""
