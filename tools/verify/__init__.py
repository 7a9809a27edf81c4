"""How a page is verified: run, compared with what is stored, and broken on purpose.

Running code
kernel            one fresh kernel for one notebook, with errors that say what to look at
warm_kernel       kernels without the wait: forks of a parent that has imported what pages import
warm_parent       that parent
patience          whether a kernel hangs: by its processor time, never by the clock
trial             cells run for their claims alone

Comparing
outputs           what stored outputs must look like to be evidence
compare           whether fresh outputs agree with the stored ones; ``sanitize.cfg`` masks durations
strict_nbval      pytest plugin: runs every notebook and compares all that it prints
schedule          pytest plugin: longest notebooks first, what to expect, progress, shards
changed           ``make test-changed``: tests the pages that changed since the last green run

Trying to prove a page wrong
breaks            ``make breaks``: changes one line and demands that the claim about it fails
universal_breaks  breaks for every page that trains: no learning, shuffled labels
bugs              ``make bugs``: bugs of anybody's choice, and what notices them
seeds             ``make seeds``: the claims under three other base seeds, and twice the training
matrix            ``make matrix``: the pages as other machines would run them
gpu_smoke         ``make gpu-smoke``: the GPU sizes of the pages, for two steps on the CPU
overhead          ``make overhead``: what a notebook costs besides its own cells
"""
