// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// Reads a local file or pipe that holds one short text.
enum SmallFile {
    /// The text without the blanks and line ends around it; throws when there are more than `bytesMax` bytes.
    static func text(_ path: String, bytesMax: Int) async throws(ClientError) -> String {
        try await BlockingQueue(label: "small-file").run { () throws(ClientError) in
            let reader = try FileReader(path)
            var bytes: [UInt8] = []
            do {
                while bytes.count <= bytesMax, try reader.next({ bytes += $0 }) {}
            } catch let error as ClientError {
                throw error
            } catch {
                throw .localFile("cannot read \(path): \(error)")
            }
            guard bytes.count <= bytesMax else {
                throw .localFile("\(path) has more than \(bytesMax) bytes: it is not the file that is meant")
            }
            return trimmed(bytes)
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let text = bytes.drop(while: isBlank)
        let end = text.lastIndex { !isBlank($0) }.map { text.index(after: $0) } ?? text.startIndex
        return String(decoding: text[..<end], as: UTF8.self)
    }
}
