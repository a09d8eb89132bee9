"""What the room's script says of flash offers, coupon drops and draws."""

from dougong.web.i18n import gettext


def selling_words() -> dict[str, str]:
    return {
        "flash": gettext("Flash offer"),
        "of_left": gettext("{left} of {quota} left"),
        "coupons_left": gettext("{count} coupons left"),
        "code": gettext("Your code: {code}"),
        "claim": gettext("Get the coupon"),
        "draw": gettext("Lucky draw"),
        "enter": gettext("Enter"),
        "entered": gettext("You are in. Your ticket: {ticket}"),
        "winners": gettext("Won: {names}"),
        "you_won": gettext("You have won!"),
        "nobody": gettext("Nobody entered: nobody has won."),
        "check": gettext("Check the draw"),
    }
