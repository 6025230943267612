"""Settings of the app for each chapter of the tutorial, on both data planes."""

CHAPTERS = {
    "chapter-2": {"chapter": "2"},
    "chapter-3": {"chapter": "3"},
    "chapter-4-load-balancer": {"chapter": "4", "gateway": "load-balancer"},
    "chapter-4-public-ip": {"chapter": "4", "gateway": "public-ip"},
    "chapter-5": {"chapter": "5"},
    "chapter-6": {"chapter": "6"},
}
CASES = {
    f"{plane}/{chapter}": {**settings, "dataPlane": plane}
    for plane in ("app-mesh", "envoy")
    for chapter, settings in CHAPTERS.items()
}
# Case and stack of each template whose snapshot is kept. The network is the same in every chapter.
TEMPLATES = {
    **{f"{plane}/network": (f"{plane}/chapter-2", "NetworkStack") for plane in ("app-mesh", "envoy")},
    **{f"{case}/{stack}": (case, stack) for case in CASES for stack in ("MeshStack", "EcsStack")},
}
