// SPDX-License-Identifier: Apache-2.0

/// Which addresses a request may connect to.
package enum AddressRule: Sendable, Hashable {
    /// All: for URLs that the operator configured, such as backends.
    case any
    /// Public ones and those the operator allows: for URLs that a user gave.
    ///
    /// Judged on the address really dialled, so a name that changes its address between check and use gains nothing.
    /// Such a request follows no redirect, carries no name and password in its URL, has time limits, and uses a
    /// connection of its own, closed afterwards.
    case publicOnly(allowing: AddressAllowList = .none)

    /// Whether a URL could be dialled as far as its text tells: false for addresses in figures and for `localhost` that
    /// the rule refuses, true for names, which are judged when they are dialled.
    package func mayDial(_ url: String) -> Bool {
        guard case .publicOnly(let allowed) = self else { return true }
        guard let host = try? GuardedURL.host(of: url) else { return false }
        if allowed.allows(host: host) { return true }
        if host == "localhost" || host.hasSuffix(".localhost") {
            return allowed.allows(address: [127, 0, 0, 1])
        }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard let address = AddressBlock.address(bare) else { return true }
        return AddressGuard.isPublic(address) || allowed.allows(address: address)
    }

    /// Whether users chose the URL.
    var isGuarded: Bool { self != .any }
}
