"""Analysis of a mesh: findings about a valid mesh that will not do what was meant.

- `rules` has one module a rule. A rule is a function of `Facts`.
- `facts` has what rules look at: a mesh, and what templates declare beside it.
- `traffic` has the ways of requests through a mesh, which several rules follow.
- `analyze` applies the rules, and `output` renders their findings.
"""

from color_mesh.analysis.analyze import Finding, analyze
from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import SEVERITIES, Rule, Severity
from color_mesh.analysis.rules import RULES

__all__ = ["RULES", "SEVERITIES", "Facts", "Finding", "Rule", "Severity", "analyze"]
