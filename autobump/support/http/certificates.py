"""Tells a certificate that is not to be trusted from a connection that broke while it was made."""

import ssl


def blames_certificate(failure: BaseException) -> bool:
    """Whether somewhere behind a failure there is a certificate that could not be verified.

    Source: requests wraps the failures of urllib3, which wraps those of ssl, in their arguments and `reason`.
    A server that closes the connection in the middle of the handshake makes the same outer failure.
    """
    waiting: list[object] = [failure]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            waiting += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    return False
