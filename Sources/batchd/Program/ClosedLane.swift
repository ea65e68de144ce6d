// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore

struct ClosedLane: LiveAnswering {
    func answer(_ request: LiveRequest) async throws -> LiveAnswer {
        throw BatchError.unavailable("not yet", retryAfterSeconds: 1)
    }
}
