// SPDX-License-Identifier: Apache-2.0

/// Whose turn it is among the stops of a route: smoothly by weight, so that of weights 3 and 1 no three turns in a row
/// go to the first. Stops without room are passed over and do not catch up later.
struct RouteTurns: Sendable {
    private struct Turn {
        let weight: Int
        /// Grows by the weight with every call of the route, falls by all weights with every call of this stop.
        var credit = 0
        /// The round in which it was offered last.
        var offeredIn = 0
    }

    private var turns: [Turn]
    private let total: Int
    private var round = 0
    private var avoided: Int?

    /// Turns of stops with these weights, at least 1 each.
    init(weights: [Int]) {
        turns = weights.map { Turn(weight: max($0, 1)) }
        total = turns.reduce(0) { $0 + $1.weight }
    }

    /// Looks for the stop of the next call; the one to avoid is offered last.
    mutating func startRound(avoiding: Int?) {
        round += 1
        avoided = avoiding
    }

    /// The next stop to ask for room; nil when all were asked in this round.
    mutating func next() -> Int? {
        var best: Int?
        for index in turns.indices where turns[index].offeredIn != round {
            guard let leading = best else {
                best = index
                continue
            }
            if leading == avoided || index != avoided && standing(index) > standing(leading) { best = index }
        }
        if let best { turns[best].offeredIn = round }
        return best
    }

    /// A call goes to this stop.
    mutating func take(_ index: Int) {
        for other in turns.indices { turns[other].credit = min(standing(other), total) }
        turns[index].credit -= total
    }

    private func standing(_ index: Int) -> Int { turns[index].credit + turns[index].weight }
}
