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

    /// Whether users chose the URL.
    var isGuarded: Bool { self != .any }
}
