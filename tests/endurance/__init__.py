"""The endurance run: what happens to frames when everything happens, for as long as you like.

Many producers and consumers join, read, hold, leave, are killed and stopped at random; every frame
carries a checksum, and a judge hears what each process did. ``scripts/endurance`` runs it.

``options`` what can be chosen - ``pools`` the cast - ``payload`` checksummed frames - ``link`` what
workers report - ``producer``, ``consumer``, ``reader`` the workers - ``seats`` their processes -
``plan`` what happens to them - ``conductor`` the run - ``judge`` the verdict - ``memory`` and
``report`` what is shown - ``crashes`` the C++ crash tests beside it.
"""
