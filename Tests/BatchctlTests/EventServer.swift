// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Curl
import Foundation
import HTTPTesting
import Synchronization

@testable import batchctl

/// The events a server has, oldest first, as far as it keeps them, and what was asked for.
final class EventLog: Sendable {
    private struct State {
        var ids: [String] = []
        var targets: [String] = []
    }
    private let state = Mutex(State())

    /// Something has happened.
    func add(_ new: String...) { state.withLock { $0.ids += new } }

    /// The oldest events are let go of.
    func prune(_ count: Int) { state.withLock { $0.ids.removeFirst(count) } }

    /// What is kept.
    var ids: [String] { state.withLock { $0.ids } }

    /// What was asked for, in order.
    var targets: [String] { state.withLock { $0.targets } }

    /// Remembers a request and gives its number, from 1.
    func note(_ target: String) -> Int {
        state.withLock { state in
            state.targets.append(target)
            return state.targets.count
        }
    }

    /// The answer to a request as the wire reference has it; nil where the place is unknown.
    func answer(_ target: String) -> String? {
        let query = target.split(separator: "?").dropFirst().first ?? ""
        var fields: [Substring: Substring] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            fields[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        var rest = ids[...]
        if fields["after"] == "now" {
            return Self.list([], last: rest.last, hasMore: false)
        }
        if let after = fields["after"] {
            guard let index = rest.firstIndex(of: String(after)) else { return nil }
            rest = rest[(index + 1)...]
        }
        let page = Array(rest.prefix(fields["limit"].flatMap { Int($0) } ?? 100))
        return Self.list(page, last: page.last, hasMore: page.count < rest.count)
    }

    /// A page.
    static func list(_ ids: [String], last: String?, hasMore: Bool) -> String {
        func text(_ id: String?) -> String { id.map { "\"\($0)\"" } ?? "null" }
        return #"{"object":"list","data":[\#(ids.map(event).joined(separator: ","))],"first_id":\#(text(ids.first)),"#
            + #""last_id":\#(text(last)),"has_more":\#(hasMore)}"#
    }

    /// An event.
    static func event(_ id: String) -> String {
        #"{"id":"\#(id)","object":"event","created_at":1,"type":"batch.completed","data":{"id":"batch_\#(id)","#
            + #""status":"completed","request_counts":{"total":1,"completed":1,"failed":0},"metadata":null}}"#
    }
}

/// What a server does with a request instead of answering it.
enum EventFault {
    case reset
    case status(Int)
    case text(String)
    /// Answers nothing until the client goes away; the signal tells that it waits.
    case silence(TestSignal)
}

/// A server of events; `script` is called with the number of each request, from 1, and may add events first.
func eventServer(
    _ log: EventLog, _ script: @escaping @Sendable (Int) -> EventFault? = { _ in nil }
) throws -> ScriptedServer {
    try ScriptedServer { request, connection in
        switch script(log.note(request.target)) {
        case .reset: connection.reset()
        case .status(let status): try connection.respond(status, text: #"{"error":{"message":"Away."}}"#)
        case .text(let text): try connection.respond(text: text)
        case .silence(let signal):
            signal.fire()
            _ = connection.waitForClose()
        case nil:
            if let answer = log.answer(request.target) {
                try connection.respond(text: answer)
            } else {
                try connection.respond(404, text: #"{"error":{"message":"No such event."}}"#)
            }
        }
    }
}

/// A session that prints into a file and whose calls wait for nothing.
struct RecordedSession {
    /// The session.
    let session: Session
    private let file: TemporaryFile
    /// Stops with its last reference.
    private let server: ScriptedServer

    /// A session with a server.
    init(_ server: ScriptedServer, printingTo path: String? = nil) throws {
        let file = TemporaryFile("")
        let terminal = Terminal(Environment { _ in nil })
        let client = Client(
            address: try BatchClient.ServerAddress(server.url("")), apiKey: nil,
            engine: CurlEngine(EngineConfiguration(userAgent: "test")), patience: Patience(attemptsMax: 1))
        session = Session(
            client: client,
            output: StandardOutput(descriptor: open(path ?? file.path, O_WRONLY | O_CLOEXEC), name: "test"),
            narrator: Narrator(terminal, isQuiet: true), terminal: terminal, hintOptions: "")
        self.file = file
        self.server = server
    }

    /// What was printed.
    var printed: String {
        FileManager.default.contents(atPath: file.path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The ids of the events that were printed as JSON.
    var printedIDs: [String] {
        printed.split(separator: "\n").map { line in
            String(line.dropFirst(#"{"id":""#.count).prefix { $0 != "\"" })
        }
    }
}
