// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Curl
import Testing

struct ReplyClassifierTests {
    @Test func `every status has a verdict, and no other body rescues a bad one`() {
        for status in -1...1_000 {
            let expected: Verdict =
                switch status {
                case 200..<300: .success
                case 408, 409, 425, 429: .backendFault
                case 300..<500: .requestFault
                default: .backendFault
                }
            #expect(ReplyClassifier.verdict(status: status, isUsable: true) == expected)
            let withGarbage: Verdict = expected == .success ? .backendFault : expected
            #expect(ReplyClassifier.verdict(status: status, isUsable: false) == withGarbage)
        }
    }

    @Test(arguments: [400, 401, 403, 404, 413, 422]) func `the request's own fault is not tried again`(status: Int) {
        #expect(ReplyClassifier.verdict(status: status, isUsable: true) == .requestFault)
        #expect(ReplyClassifier.verdict(status: status, isUsable: false) == .requestFault)
    }

    @Test func `timeouts and broken connections are tried again under their own code`() {
        let timeouts: [CurlError.Code] = [.timeoutConnect, .timeoutFirstByte, .timeoutIdle, .timeoutTotal]
        for code in timeouts { #expect(ReplyClassifier.fault(code) == .again(code: "request_timeout")) }
        let connections: [CurlError.Code] = [
            .couldNotResolve, .couldNotConnect, .connectionLost, .tls, .protocolError, .addressRefused,
        ]
        for code in connections { #expect(ReplyClassifier.fault(code) == .again(code: "connection_error")) }
        #expect(ReplyClassifier.fault(.other(7)) == .again(code: "server_error"))
        #expect(ReplyClassifier.fault(.queueFull) == .again(code: "server_error"))
    }

    @Test func `an answer that is too large is final and says so`() {
        #expect(ReplyClassifier.fault(.responseTooLarge) == .final(code: "response_too_large"))
    }

    @Test func `a call that was stopped says nothing about its line`() {
        #expect(ReplyClassifier.fault(.cancelled) == .aborted)
        #expect(ReplyClassifier.fault(.shutdown) == .aborted)
    }
}
