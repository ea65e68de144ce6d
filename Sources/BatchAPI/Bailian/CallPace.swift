// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Synchronization

/// How often a project may call: a bucket per project and kind of call that refills evenly over a minute.
/// (contracts: Bailian rate limits)
///
/// Buckets are this process's own and in memory: several coordinators together let through as many times more. At most
/// `BailianLimits.projectsRememberedMax` projects are remembered; beyond that, first those with full buckets are
/// forgotten, then all, which lets them start anew.
final class CallPace: Sendable {
    /// The calls that are counted, each kind for itself.
    enum Kind: Int, CaseIterable, Sendable {
        case create, retrieve, list, cancel

        /// The kind in the words of the message.
        var words: String {
            switch self {
            case .create: "to create batches"
            case .retrieve: "to look at batches"
            case .list: "to list batches"
            case .cancel: "to cancel batches"
            }
        }
    }

    /// When each bucket of a project will be full again, by kind; a moment that has passed says that it is.
    private typealias Buckets = [ContinuousClock.Instant]

    private let perMinute: [Int]
    private let projectsMax: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let projects = Mutex<[ProjectID: Buckets]>([:])

    /// A pace by `limits`; `now` tells the time.
    init(
        _ limits: BailianLimits, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        perMinute = Kind.allCases.map { kind in
            switch kind {
            case .create: limits.createsPerMinuteMax
            case .retrieve: limits.retrievesPerMinuteMax
            case .list: limits.listsPerMinuteMax
            case .cancel: limits.cancelsPerMinuteMax
            }
        }
        projectsMax = limits.projectsRememberedMax
        self.now = now
    }

    /// Counts a call.
    ///
    /// - Throws: a 429 ``BatchCore/BatchError`` that says when the next call may come.
    func check(_ kind: Kind, _ project: ProjectID) throws {
        let most = perMinute[kind.rawValue]
        guard most > 0 else { return }
        let now = now()
        let wait: Duration? = projects.withLock { projects in
            if projects[project] == nil { makeRoom(in: &projects, now: now) }
            var buckets = projects[project] ?? Buckets(repeating: now, count: Kind.allCases.count)
            let full = max(buckets[kind.rawValue], now)
            let next = full + .seconds(60) / most
            let wait = now.duration(to: next) - .seconds(60)
            guard wait <= .zero else { return wait }
            buckets[kind.rawValue] = next
            projects[project] = buckets
            return nil
        }
        guard let wait else { return }
        let seconds = Int(wait.components.seconds) + (wait.components.attoseconds > 0 ? 1 : 0)
        throw BatchError(
            status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
            message: "Too many requests \(kind.words): at most \(most) per minute are allowed. "
                + "Try again in \(seconds) s.", retryAfterSeconds: seconds)
    }

    /// Projects that are remembered.
    var count: Int { projects.withLock { $0.count } }

    private func makeRoom(in projects: inout [ProjectID: Buckets], now: ContinuousClock.Instant) {
        guard projects.count >= projectsMax else { return }
        projects = projects.filter { $0.value.contains { $0 > now } }
        if projects.count >= projectsMax { projects.removeAll(keepingCapacity: true) }
    }
}
