"""How the book becomes a site, and a copy of it somebody's own.

build        ``make book``: builds the site from the stored outputs
colab_files  ``make colab-files``: notebooks that carry cnn50 themselves
repository   which GitHub repository and branch this copy is published as
publish_as   ``make publish-as``: makes this copy point at a GitHub repository
licences     under which licences the locked packages come
"""
