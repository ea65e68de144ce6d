// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct BackendConfigurationTests {
    private func problems(_ change: (inout BackendConfiguration) -> Void) -> [String] {
        var configuration = BackendConfiguration(name: "b", baseURL: "http://host", models: [.any])
        change(&configuration)
        return configuration.validate()
    }

    @Test func `the defaults are in order`() {
        #expect(problems { _ in }.isEmpty)
    }

    @Test func `each value out of its range is named once`() {
        let changes: [(inout BackendConfiguration) -> Void] = [
            { $0.concurrency = 20_001 }, { $0.weight = 0 }, { $0.clusterConcurrency = 0 }, { $0.windowStart = 0 },
            { $0.windowFloor = 0 }, { $0.latencyTolerance = 1 }, { $0.latencyTolerance = .nan },
            { $0.requestsPerMinute = 0 }, { $0.tokensPerMinute = 0 }, { $0.breakerFailures = 0 },
            { $0.breakerPauseMax = .zero }, { $0.retryRatio = -1 }, { $0.retriesPerSecondMin = 0 },
            { $0.healthPath = "health" }, { $0.healthPath = "/a b" }, { $0.healthEvery = .zero },
            { $0.metricsURL = "host/metrics" }, { $0.yieldsToLive = true }, { $0.outagePatience = .seconds(-1) },
        ]
        for change in changes {
            let found = problems(change)
            #expect(found.count == 1)
            #expect(found.allSatisfy { $0.hasPrefix("backend b: ") })
        }
    }
}
