"""What a page is, and how it is started and made.

questions     the fifty questions, and the one that a name means
cells         the cells of a page and the claims in them
page          a page: where it lies, what it says, what it claims, what it installs on Colab
dependencies  the fingerprints of what a page's outputs depend on
files         how JSON files and notebooks are read and written
drawn         which code cells only draw
rules         the anatomy of a page, as rules that say what to mend
new           ``make new``: starts a page from ``template.md``
notebooks     ``make notebooks``: executes what changed and stores its outputs
yours         keeps what a reader changed in a notebook
toc           writes ``_toc.yml``, the order of the pages on the site
"""
