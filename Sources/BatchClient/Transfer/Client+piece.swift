// SPDX-License-Identifier: Apache-2.0
internal import Curl

extension Client {
    /// The bytes of a stored file from `start` on, at most `count` of them; empty at its end.
    ///
    /// Every piece is a call of its own, so that any number of files can be read side by side, slowly, without
    /// connections that wait.
    func piece(of file: WireFile, from start: Int64, count: Int) async throws(ClientError) -> [UInt8] {
        guard start < file.bytes else { return [] }
        let end = min(file.bytes, start + Int64(count))
        let doing = "read file \(file.id)"
        let response = try await send(
            Call(
                method: "GET", path: "/files/\(ServerAddress.encode(file.id))/content", doing: doing,
                headers: [("Range", "bytes=\(start)-\(end - 1)")]))
        let isWholeFile = response.status == 200 && start == 0 && end == file.bytes
        guard response.status == 206 || isWholeFile, Int64(response.body.count) == end - start else {
            throw .unintelligible(
                server: address.description, doing: doing,
                why: "asked for bytes \(start)-\(end - 1) of \(file.bytes), got \(response.body.count) bytes with HTTP "
                    + "\(response.status)")
        }
        return response.body
    }
}
