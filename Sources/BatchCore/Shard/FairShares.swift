// SPDX-License-Identifier: Apache-2.0

/// Deals a number of places out among claimants, max-min fair: everybody gets an equal share, and what one cannot use
/// goes to the others.
package struct FairShares: Sendable {
    /// Places in all.
    package let places: Int
    /// Grows by one now and then; when there are fewer places than claimants it says whose turn it is, so that nobody
    /// starves.
    package let turn: Int

    /// Places to deal out.
    package init(places: Int, turn: Int) {
        self.places = max(places, 0)
        self.turn = turn
    }

    /// What each claimant gets, in the same order.
    ///
    /// The sum is the smaller of ``places`` and what is wanted. Who wants something gets a place, or gets one in one of
    /// the next turns.
    /// - Parameter wanted: what each could use, 0 for nothing.
    package func shares(wanted: [Int]) -> [Int] {
        var shares = [Int](repeating: 0, count: wanted.count)
        var claimants = wanted.indices.filter { wanted[$0] > 0 }
        var rest = places
        while !claimants.isEmpty, rest >= claimants.count {
            let share = rest / claimants.count
            let modest = claimants.filter { wanted[$0] - shares[$0] <= share }
            for index in modest {
                rest -= wanted[index] - shares[index]
                shares[index] = wanted[index]
            }
            if modest.isEmpty {
                for index in claimants { shares[index] += share }
                rest -= share * claimants.count
            }
            claimants.removeAll { wanted[$0] == shares[$0] }
        }
        guard !claimants.isEmpty else { return shares }
        // Fewer places than claimants: only where places are that short does it matter whose they are.
        let first = claimants.contains { shares[$0] > 0 } ? 0 : (turn % claimants.count) * rest
        for step in 0..<rest { shares[claimants[(first + step) % claimants.count]] += 1 }
        return shares
    }
}
