"""Prints the modules of a package in the working directory and the imports among them, as grimp has
them.

    python grimp_edges.py PACKAGE
"""

import json
import os
import sys

import grimp

sys.path.insert(0, os.getcwd())
graph = grimp.build_graph(sys.argv[1], cache_dir=None)
edges = [
    (importer, imported)
    for importer in graph.modules
    for imported in graph.find_modules_directly_imported_by(importer)
]
json.dump({"modules": sorted(graph.modules), "edges": sorted(edges)}, sys.stdout)
