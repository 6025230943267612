"""The plan of a run, computed from templates: nothing here starts a process or changes the machine.

`assembly` reads the plan; `runnable` pairs each container with its program; `validation` refuses what cannot run;
`diagnosis` warns about what will not work; `emulation` lists what has no effect; `overrides` changes the mesh.
"""
