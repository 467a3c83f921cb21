# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The walk of a routing key through a trie of patterns: the kernel of ``exchanges.topic_trie``.

A reach is a row of limbs of 64 bits, as many as the key needs. If a key has more words than a
shortstr can have, the twin walks it, because its integers are unbounded.
"""

from cpython.dict cimport PyDict_GetItemWithError, PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_GET_LENGTH, PyUnicode_READ_CHAR
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from exchanges import topic_trie as twin

cdef enum:
    WORDS_MAX = 256
    LIMBS_MAX = 5
    STEPS_AT_FIRST = 32
    LOOKS_PER_NODE = 8
    NO_WILDCARD = 0
    ONE_WORD = 42
    ANY_WORDS = 35

cdef str _ONE_WORD = "*"
cdef str _ANY_WORDS = "#"


cdef class Node:
    """See ``exchanges.topic_trie.Node``."""

    cdef public tuple label
    cdef public dict children
    cdef public object destinations

    def __init__(self, tuple label not None):
        self.label = label
        self.children = {}
        self.destinations = None


cdef struct Step:
    PyObject* node
    uint64_t reach[LIMBS_MAX]


cdef struct Way:
    # A routing key split into words, and the nodes that the walk has yet to visit.
    Py_ssize_t word_count
    Py_ssize_t limb_count
    # The valid bits of a reach's last limb.
    uint64_t last_limb
    # The number of the word at each place in the key; equal words have the same; -1 is a wildcard.
    short number_at[WORDS_MAX]
    # For each number, a bit for each place of its word.
    uint64_t masks[WORDS_MAX][LIMBS_MAX]
    Step* steps
    Py_ssize_t step_count
    Py_ssize_t steps_max
    # The looks that are left for this piece.
    Py_ssize_t looks_left


cdef inline int _wildcard(str word):
    if PyUnicode_GET_LENGTH(word) != 1:
        return NO_WILDCARD
    cdef Py_UCS4 character = PyUnicode_READ_CHAR(word, 0)
    return character if character == ONE_WORD or character == ANY_WORDS else NO_WILDCARD


cdef int _begin(Way* walk, list words, dict numbers, Node root) except -1:
    """Split the key into words; afterwards ``numbers`` has the number of each of them."""
    cdef Py_ssize_t place, number
    cdef uint64_t[LIMBS_MAX] reach
    cdef PyObject* known
    cdef str word
    walk.word_count = len(words)
    walk.limb_count = walk.word_count // 64 + 1
    walk.last_limb = (<uint64_t>2 << (walk.word_count % 64)) - 1
    for place in range(walk.word_count):
        word = <str>words[place]
        if _wildcard(word) != NO_WILDCARD:
            walk.number_at[place] = -1
            continue
        known = PyDict_GetItemWithError(numbers, word)
        if known is NULL:
            number = len(numbers)
            numbers[word] = number
            memset(walk.masks[number], 0, walk.limb_count * sizeof(uint64_t))
        else:
            number = <object>known
        walk.number_at[place] = <short>number
        walk.masks[number][place // 64] |= <uint64_t>1 << (place % 64)
    walk.step_count = 0
    walk.steps_max = STEPS_AT_FIRST
    walk.steps = <Step*>PyMem_Malloc(STEPS_AT_FIRST * sizeof(Step))
    if walk.steps is NULL:
        raise MemoryError
    memset(reach, 0, sizeof(reach))
    reach[0] = 1
    return _note(walk, <PyObject*>root, reach)


cdef void _spread(const Way* walk, uint64_t* reach) noexcept:
    """Set every bit from the lowest one upwards, for a step along ``#``."""
    cdef Py_ssize_t limb = 0
    while not reach[limb]:
        limb += 1
    reach[limb] = ~((reach[limb] & (~reach[limb] + 1)) - 1)
    for limb in range(limb + 1, walk.limb_count):
        reach[limb] = ~(<uint64_t>0)
    reach[walk.limb_count - 1] &= walk.last_limb


cdef int _enter(Way* walk, dict numbers, Node node, const uint64_t* reach) except -1:
    """Go along a node's label; note the node if its reach is not empty."""
    cdef uint64_t[LIMBS_MAX] moved
    cdef PyObject* known
    cdef Py_ssize_t limb, number
    cdef uint64_t carry, bits
    cdef int wildcard
    memcpy(moved, reach, walk.limb_count * sizeof(uint64_t))
    for word in node.label:
        walk.looks_left -= 1
        wildcard = _wildcard(<str>word)
        if wildcard == ANY_WORDS:
            _spread(walk, moved)
            continue
        if wildcard == ONE_WORD:
            # Behind the whole key no word is left that ``*`` could match.
            moved[walk.limb_count - 1] &= walk.last_limb >> 1
        else:
            known = PyDict_GetItemWithError(numbers, word)
            if known is NULL:
                return 0
            number = <object>known
            for limb in range(walk.limb_count):
                moved[limb] &= walk.masks[number][limb]
        carry = bits = 0
        for limb in range(walk.limb_count):
            bits |= moved[limb]
            carry, moved[limb] = moved[limb] >> 63, moved[limb] << 1 | carry
        if not bits:
            return 0
    return _note(walk, <PyObject*>node, moved)


cdef int _note(Way* walk, PyObject* node, const uint64_t* reach) except -1:
    cdef Step* step
    if walk.step_count == walk.steps_max:
        step = <Step*>PyMem_Realloc(walk.steps, 2 * walk.steps_max * sizeof(Step))
        if step is NULL:
            raise MemoryError
        walk.steps = step
        walk.steps_max *= 2
    step = &walk.steps[walk.step_count]
    step.node = node
    memcpy(step.reach, reach, walk.limb_count * sizeof(uint64_t))
    walk.step_count += 1
    return 0


cdef int _enter_children(
    Way* walk, list words, dict numbers, dict children, const uint64_t* reach
) except -1:
    """Enter the children for the key's next words, or all children if these are fewer."""
    cdef Py_ssize_t limb, place, next_count = 2, position = 0
    cdef Py_ssize_t child_count = len(children)
    cdef PyObject* child
    cdef uint64_t bits
    cdef uint64_t[LIMBS_MAX] seen
    cdef short number
    for limb in range(walk.limb_count):
        bits = reach[limb]
        while bits and next_count < child_count:
            bits &= bits - 1
            next_count += 1
    if child_count <= next_count:
        while PyDict_Next(children, &position, NULL, &child):
            _enter(walk, numbers, <Node>child, reach)
        return 0
    memset(seen, 0, sizeof(seen))
    for place in range(walk.word_count):
        number = walk.number_at[place]
        if number < 0 or not reach[place // 64] >> (place % 64) & 1:
            continue
        if seen[number // 64] >> (number % 64) & 1:
            continue
        seen[number // 64] |= <uint64_t>1 << (number % 64)
        _enter_child(walk, numbers, children, <str>words[place], reach)
    _enter_child(walk, numbers, children, _ONE_WORD, reach)
    _enter_child(walk, numbers, children, _ANY_WORDS, reach)
    return 0


cdef int _enter_child(
    Way* walk, dict numbers, dict children, str word, const uint64_t* reach
) except -1:
    cdef PyObject* child = PyDict_GetItemWithError(children, word)
    if child is not NULL:
        _enter(walk, numbers, <Node>child, reach)
    return 0


cdef int _go(
    Way* walk, list words, dict numbers, list matched, Py_ssize_t looks_max
) except -1:
    """Visit the noted nodes and their children, for about this number of looks."""
    cdef uint64_t[LIMBS_MAX] reach
    cdef Py_ssize_t position
    cdef PyObject* destination
    cdef Node node
    walk.looks_left = looks_max
    while walk.step_count and walk.looks_left > 0:
        walk.looks_left -= LOOKS_PER_NODE
        walk.step_count -= 1
        node = <Node>walk.steps[walk.step_count].node
        memcpy(reach, walk.steps[walk.step_count].reach, walk.limb_count * sizeof(uint64_t))
        if node.destinations is not None and (
            reach[walk.word_count // 64] >> (walk.word_count % 64) & 1
        ):
            position = 0
            while PyDict_Next(node.destinations, &position, &destination, NULL):
                matched.append(<object>destination)
        if len(node.children):
            _enter_children(walk, words, numbers, node.children, reach)
    return 0


def matching(Node root not None, str routing_key not None):
    """See ``exchanges.topic_trie.matching``."""
    cdef list words = routing_key.split(".") if routing_key else []
    cdef list matched = []
    cdef dict numbers = {}
    cdef Way walk
    if len(words) > WORDS_MAX:
        return twin.matching_by_integers(root, routing_key)
    walk.steps = NULL
    try:
        _begin(&walk, words, numbers, root)
        _go(&walk, words, numbers, matched, twin.LOOKS_PER_PIECE)
        return None if walk.step_count else matched
    finally:
        PyMem_Free(walk.steps)


def walk_of(Node root not None, str routing_key not None):
    """See ``exchanges.topic_trie.walk_of``."""
    cdef list words = routing_key.split(".") if routing_key else []
    if len(words) > WORDS_MAX:
        return twin.walk_by_integers(root, routing_key)
    return Walk(root, words)


cdef class Walk:
    """See ``exchanges.topic_trie.Walk``."""

    cdef Way _way
    cdef list _words
    cdef dict _numbers
    # The nodes that ``_way`` has noted; between two pieces this may be the only reference to them.
    cdef list _noted

    def __cinit__(self, Node root not None, list words not None):
        self._words = words
        self._numbers = {}
        self._noted = [root]
        _begin(&self._way, words, self._numbers, root)

    def __dealloc__(self):
        PyMem_Free(self._way.steps)

    @property
    def is_done(self):
        return not self._way.step_count

    def step(self, Py_ssize_t looks_max):
        cdef list matched = []
        cdef Py_ssize_t at
        _go(&self._way, self._words, self._numbers, matched, looks_max)
        self._noted = [<object>self._way.steps[at].node for at in range(self._way.step_count)]
        return matched
