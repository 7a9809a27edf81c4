"""Functions that one page wrote out in full, or that several pages need, and that pages import.

Nothing is hidden and nothing is written twice: each function stands in a code cell of its page, and
``tests/test_shown.py`` holds the two sources identical.

``detection``          question 24: boxes, anchors, suppression, RoI Align, RoI Pool, losses
``average_precision``  question 24: COCO's average precision of boxes and masks
``small_pictures``     question 40: pictures of 14 × 14 pixels and their patches
``tracking``           question 6: films of moving patches, trackers of one target, grading
"""
