// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import BatchStore
import HTTPTypes

/// Sends the bytes of a file, whole or from where an earlier download broke off. (contracts: content download)
struct FileDownload: Sendable {
    /// Where files are recorded.
    let store: Store
    /// Where their bytes are.
    let vault: any FileVault
    /// How many may be sent at once.
    let gate: Gate
    /// How long to wait for a place.
    let placeWait: Duration

    /// Serves one download.
    func send(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let file = try await FileRoutes.find(call, project, store)
        var headers = Self.headers(of: file)
        switch Self.range(call.headers, file) {
        case .unsatisfiable: return Self.refuseRange(file)
        case .whole:
            return try await stream(file, nil, length: file.bytes, status: .ok, headers: headers, call: call)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.bytes)"
            return try await stream(
                file, range, length: Int64(range.count), status: .partialContent, headers: headers, call: call)
        }
    }

    private func stream(
        _ file: StoredFile, _ range: Range<Int64>?, length: Int64, status: HTTPResponse.Status, headers: HTTPFields,
        call: Call
    ) async throws -> Answer {
        if call.method == .head {
            let nothing: () async throws -> [UInt8]? = { nil }
            return Answer(status: status, headers: headers, body: .stream(length: length, next: nothing, end: {}))
        }
        guard await gate.enter(waitingAtMost: placeWait) else {
            throw BatchError.unavailable("Too many files are being downloaded at the moment; please retry shortly.")
        }
        do {
            var iterator = try await vault.read(file.vaultKey, range: range).makeAsyncIterator()
            // The first piece is read before any header is sent, so that a missing blob is still an honest error.
            var first = try await iterator.next()
            let next: () async throws -> [UInt8]? = {
                if let piece = first {
                    first = nil
                    return piece
                }
                return try await iterator.next()
            }
            let gate = gate
            return Answer(
                status: status, headers: headers, body: .stream(length: length, next: next, end: { gate.leave() }))
        } catch {
            gate.leave()
            // Deleted and pruned since the row was read.
            if case VaultError.missing = error { _ = try await FileRoutes.find(call, file.project, store) }
            throw error
        }
    }

    private static func headers(of file: StoredFile) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = "application/octet-stream"
        headers[.contentDisposition] = ContentDisposition.attachment(file.filename)
        headers[.acceptRanges] = "bytes"
        headers[.eTag] = entityTag(file)
        return headers
    }

    private static func range(_ headers: HTTPFields, _ file: StoredFile) -> ByteRange {
        // A date in If-Range cannot be compared, because files carry no date; then the whole is sent.
        if let condition = headers[.ifRange], condition != entityTag(file) { return .whole }
        return ByteRange.parse(headers[.range], length: file.bytes)
    }

    private static func refuseRange(_ file: StoredFile) -> Answer {
        var answer = ErrorAnswer.answer(
            BatchError(
                status: 416, type: "invalid_request_error", param: "Range",
                message: "The file has \(file.bytes) bytes; the Range header asks for bytes beyond them.",
                isFinal: true))
        answer.headers[.contentRange] = "bytes */\(file.bytes)"
        answer.headers[.acceptRanges] = "bytes"
        return answer
    }

    private static func entityTag(_ file: StoredFile) -> String {
        let digits = file.sha256.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\"\(digits.joined())\""
    }
}
