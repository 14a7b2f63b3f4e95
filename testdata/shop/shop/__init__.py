"""A small shop in four packages: common, catalog, orders, payments."""
