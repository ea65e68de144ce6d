// SPDX-License-Identifier: Apache-2.0

internal import Curl
internal import Dispatch
internal import Synchronization

extension S3Client {
    /// Reads a small range on the calling thread. The thread waits; the work is done by the engine's own.
    ///
    /// - Parameter range: at most 8 MiB, not empty.
    /// - Throws: ``S3Error``.
    func getNow(_ key: String, range: Range<Int64>) throws -> [UInt8] {
        let call = Call(
            method: "GET", operation: "read", key: key,
            headers: [(name: "Range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")])
        var failures = 0
        while true {
            let error: S3Error
            switch exchangeNow(call) {
            case .success(let response) where response.status == 206: return response.body
            case .success(let response) where (200...299).contains(response.status):
                throw fault(call, .damaged("the store does not answer with the range asked for"))
            case .success(let response): error = refusal(call, response.status, response.headers, response.body)
            case .failure(let reason): error = fault(call, .network(reason))
            }
            failures += 1
            guard error.isRetryable, failures < configuration.retries.attemptsMax else { throw error }
            let pause = configuration.retries.pause(failures: failures, asked: error.retryAfter)
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + pause.seconds)
        }
    }
}

extension Duration {
    /// Whole and part seconds.
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
