"""How files come in: by drag, by paste, by a chooser; sorted by what they hold."""
