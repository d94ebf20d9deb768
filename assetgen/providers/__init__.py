"""Who makes images: one folder or file per provider, each imported only when it is used."""
