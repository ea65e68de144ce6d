// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// Where receivers may be, as far as the text of a URL tells: what can never be delivered is refused when it is asked
/// for, not found in a log later.
struct ReceiverRule: Sendable {
    /// Whether a URL may be dialled; names are judged when they are.
    let mayReach: @Sendable (String) -> Bool

    /// Refuses a URL that leads to an address that is not public; nil passes.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError``.
    func check(_ url: String?, param: String) throws {
        guard let url, !mayReach(url) else { return }
        throw BatchError.invalid(
            "Invalid '\(param)': the URL leads to an address that is not public. The operator of this server can allow "
                + "it with the setting outbound.allow.", code: "address_not_allowed", param: param)
    }
}
