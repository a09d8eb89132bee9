"""What is true of product links by rule."""

from dougong.base.errors import Conflict, NotFound, Refusal

MOST_LINKS = 6  # of one video
MAX_POSITION = 9


class LinkedAlready(Conflict):
    code = "linked_already"


class TooManyLinks(Refusal):
    """Facts: `most` of one video."""

    code = "too_many_links"


class NotLinkable(Refusal):
    """The product is not on sale, or it or the video is not there for this creator."""

    code = "not_linkable"
    status = 409


class LinkGone(NotFound):
    code = "link_gone"
