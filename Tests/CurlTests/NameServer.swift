// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// A name server on 127.0.0.1:53, whose every answer is written by the test and may not be kept (RFC 1035).
final class NameServer: Sendable {
    /// Addresses, 4 or 16 bytes each, of a name in lower case; called with the number of this question, from 1. Those
    /// of the kind that was not asked for are left out.
    typealias Script = @Sendable (_ name: String, _ number: Int) -> [[UInt8]]

    private struct Failure: Error { let code: CInt }

    private let questions = Mutex<[String: Int]>([:])

    /// Starts the server, which runs until the program ends.
    init(_ script: @escaping Script) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(53).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 { throw Failure(code: errno) }
        Thread.detachNewThread { [self] in serve(descriptor, script) }
    }

    private func serve(_ descriptor: CInt, _ script: Script) {
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            var peer = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            _ = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, peer, &size)
                    guard count > 0, let answer = answer(to: Array(buffer[..<count]), script) else { return 0 }
                    return sendto(descriptor, answer, answer.count, 0, peer, size)
                }
            }
        }
    }

    /// The answer to a query with one question; nil for what is none.
    private func answer(to query: [UInt8], _ script: Script) -> [UInt8]? {
        var labels: [String] = []
        var index = 12
        while index < query.count, query[index] != 0 {
            let end = index + 1 + Int(query[index])
            guard end < query.count else { return nil }
            labels.append(String(decoding: query[(index + 1)..<end], as: UTF8.self).lowercased())
            index = end
        }
        guard index + 4 < query.count else { return nil }
        let kind = query[index + 2]
        let name = labels.joined(separator: ".")
        let number = questions.withLock { questions in
            questions["\(name) \(kind)", default: 0] += 1
            return questions["\(name) \(kind)", default: 0]
        }
        let all = script(name, number)
        let addresses = all.filter { $0.count == (kind == 28 ? 16 : kind == 1 ? 4 : 0) }
        // An answer with authority; a name without any address does not exist.
        var answer = query[..<2] + [0x85, all.isEmpty ? 0x83 : 0x80, 0, 1, 0, UInt8(addresses.count), 0, 0, 0, 0]
        answer += query[12..<(index + 5)]
        for address in addresses {
            // The name of the question, its kind, class IN, kept for no time.
            answer += [0xC0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, UInt8(address.count)] + address
        }
        return Array(answer)
    }
}
