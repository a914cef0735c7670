"""Stated preference: a short question under some lists, and what its answer does (M2).

THE RULE: what somebody states outranks what they do. "Less of this topic" lowers the topic in their personalised lists
from the next one on, and "more" raises it, by the most that a control of theirs may weigh, until they change it: no
behaviour of theirs moves, fades or ends it. A mute is stated more strongly still, so no answer touches one. A rating of
a film goes into their history as what they said on purpose, beside what they did: 4 and 5 seek films like it, 1 to 3 do
not, however long they watched, and what was rated is not recommended again in a scored list. An opinion of a whole list
moves nothing of theirs: it is read in numbers over many people, never to order one person's list.
"""
