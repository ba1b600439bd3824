"""What somebody says beside that a billing period is to be published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done although publishing would not do it by itself.

    `switch_account`: from now on, at another place than before. `booked_before`: how many invoices that were booked
    before the folder's last switch are to be issued as well; it has to be the number that there are. `held`: a billing
    period that lies before anything was received. `without_refused`: although records of `customers/` are refused.
    """

    switch_account: bool = False
    booked_before: int = 0
    held: bool = False
    without_refused: bool = False


#: That everything goes on as before.
AS_BEFORE = Wish()
