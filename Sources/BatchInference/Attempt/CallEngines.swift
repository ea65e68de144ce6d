// SPDX-License-Identifier: Apache-2.0
import Curl
package import Logging
import Synchronization

/// The HTTP engines of a worker: several, because libcurl's cost per call grows with the connections of one, and one
/// thread serves only so many calls a second.
package final class CallEngines: Sendable {
    /// Connections of one engine, as long as that makes no more than ``enginesMax``.
    private static let connectionsEach = 128
    /// Most engines, each a thread.
    private static let enginesMax = 32

    private let engines: [CurlEngine]
    private let connectionsEach: Int
    private let turn = Atomic<Int>(0)
    private let fetcher: Mutex<CurlEngine?> = Mutex(nil)
    private let fetcherConfiguration: EngineConfiguration
    private let logger: Logger?

    /// Engines for `connections` calls in flight, at least one.
    ///
    /// - Parameter caBundlePath: PEM file of authorities to trust in place of the system's; nil = the system's.
    package init(connections: Int, userAgent: String, caBundlePath: String? = nil, logger: Logger?) {
        let each = max(Self.connectionsEach, (connections + Self.enginesMax - 1) / Self.enginesMax)
        let count = max((connections + each - 1) / each, 1)
        connectionsEach = each
        self.logger = logger
        fetcherConfiguration = EngineConfiguration(
            connectionsMax: Self.connectionsEach, userAgent: userAgent, caBundlePath: caBundlePath, threadName: "files")
        engines = (0..<count).map { number in
            CurlEngine(
                EngineConfiguration(
                    connectionsMax: each, userAgent: userAgent, caBundlePath: caBundlePath,
                    threadName: "calls-\(number)"),
                logger: logger)
        }
    }

    /// The engine for the next call: the one on whose thread the last answer was told, which has a connection free and
    /// need not be woken; else in turn, passing over those without a free connection.
    func next() -> CurlEngine {
        guard engines.count > 1 else { return engines[0] }
        if let here = engines.first(where: \.isCurrentThread), here.inFlight < connectionsEach { return here }
        let first = turn.wrappingAdd(1, ordering: .relaxed).newValue & Int.max
        for offset in 0..<engines.count {
            let engine = engines[(first + offset) % engines.count]
            if engine.inFlight < connectionsEach { return engine }
        }
        return engines[first % engines.count]
    }

    /// The engine for files that users' lines name; started when the first is needed.
    var fetching: CurlEngine {
        fetcher.withLock { fetcher in
            if let fetcher { return fetcher }
            let engine = CurlEngine(fetcherConfiguration, logger: logger)
            fetcher = engine
            return engine
        }
    }

    /// Aborts every call and ends the threads.
    package func shutdown() async {
        await fetcher.withLock(\.self)?.shutdown()
        for engine in engines { await engine.shutdown() }
    }
}
