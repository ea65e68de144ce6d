// SPDX-License-Identifier: Apache-2.0

/// What a window must know about a call when it ends.
package struct CallTicket: Hashable, Sendable {
    /// Calls of a window are numbered in the order of their start.
    package let number: Int
    /// Calls of the window that were in flight once this one had started, itself included.
    package let crowd: Int

    /// A call that starts.
    package init(number: Int, crowd: Int) {
        self.number = number
        self.crowd = crowd
    }
}
