// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Foundation
import HTTPTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Ark jobs that are stopped and go on, while processes die.
    @Suite struct ArkResumeTests {
        @Test func `a stopped job goes on with what is missing, over killed coordinators and workers`() async throws {
            try await ArkFleet.run { jobs in
                let arguments = try jobs.arguments()
                try await jobs.put(600) { $0 % 50 == 7 ? "400" : "ok" }
                var coordinator = try await jobs.fleet.coordinator(arguments).process
                let small = ["--concurrency", "16", "--set", "worker.cancel_grace=1s"]
                var worker = try await jobs.fleet.worker(jobs.backend, small)
                try await jobs.backend.hold(after: 100)
                let job = try await jobs.create()
                try await jobs.wait(job, "100 results") { $0.counts.completed + $0.counts.failed == 100 }
                try await jobs.stop(job)
                let stopped = try await jobs.end(job)
                #expect(stopped.status == .cancelled && stopped.remote.output?.outcome?.status == .delivered)
                let first = try await jobs.files(stopped)
                let recorded = Set(
                    try await jobs.lines(job, "output/results").compactMap { $0["custom_id"] as? String })
                let failed = try await jobs.lines(job, "error/errors").filter { line in
                    (line["error"] as? [String: Any])?["code"] as? String == "scripted"
                }
                #expect(recorded.count + failed.count == 100 && first.bad.count == 600 - recorded.count)
                let before = try jobs.calls()

                // Killed around the resume: before anybody took notice of it, and in the middle of it.
                try await coordinator.kill9()
                #expect(try await jobs.resume(job).status == .validating)
                try await jobs.backend.release()
                try await jobs.backend.hold(after: before.values.reduce(0, +) + 150)
                coordinator = try await jobs.fleet.coordinator(arguments).process
                try await jobs.wait(job, "results of the second run") { batch in
                    batch.status == .inProgress && batch.counts.completed + batch.counts.failed >= 200
                }
                try await jobs.backend.stats(reaching: "held calls") { $0.held > 0 }
                try await worker.kill9()
                try await coordinator.kill9()
                try await jobs.backend.release()
                worker = try await jobs.fleet.worker(jobs.backend, small)
                coordinator = try await jobs.fleet.coordinator(arguments).process
                let complete = try await jobs.end(job)
                #expect(complete.status == .completed, "\(complete)")
                #expect(complete.counts == RequestCounts(total: 600, completed: 588, failed: 12))
                let second = try await jobs.files(complete)
                #expect(second.bad == (0..<600).filter { $0 % 50 == 7 })

                // What was recorded before the stop, failures too, was called once and never again.
                let after = try jobs.calls()
                for id in recorded.union(failed.compactMap { $0["custom_id"] as? String }) {
                    let number = try #require(Int(id.dropFirst("id-".count)))
                    #expect(before[number] == 1 && after[number] == 1, "\(id)")
                }
                // Of the others only what was in flight at the stop and at the kill was called twice.
                let made = after.values.reduce(0, +)
                #expect(made <= 648)
                let events = "select string_agg(type || run, ' ' order by seq) from events"
                #expect(try await jobs.fleet.query(events) == "batch.cancelled0 batch.completed1")
                #expect(try await jobs.fleet.query("select count(*) from files where deleted_at is null") == "3")
            }
        }

        @Test func `files of an earlier run leave nothing behind, and nothing is written where there is nothing`()
            async throws
        {
            try await ArkFleet.run { jobs in
                try await jobs.put(20)
                let inbox = try WebhookInbox()
                _ = try await jobs.fleet.coordinator(jobs.arguments(sink: inbox.url()))
                let worker = try await jobs.fleet.worker(
                    jobs.backend, ["--concurrency", "4", "--set", "worker.cancel_grace=1s"])
                try await jobs.backend.hold(after: 5)
                let job = try await jobs.create()
                try await jobs.wait(job, "5 results") { $0.counts.completed == 5 }
                try await jobs.stop(job)
                #expect(try await jobs.files(jobs.end(job)).bad.count == 15)
                // A stop right behind the resume, and a resume right behind that end.
                _ = try await jobs.resume(job)
                try await jobs.stop(job)
                let again = try await jobs.end(job)
                #expect(again.status == .cancelled && again.counts.completed == 5)
                #expect(try await jobs.files(again).good.count == 5)
                _ = try await jobs.resume(job)
                try await jobs.backend.release()
                let complete = try await jobs.end(job)
                #expect(complete.counts == RequestCounts(total: 20, completed: 20))
                #expect(try await jobs.files(complete).bad == [])
                // The old error file would say that lines were left out.
                #expect(try await jobs.rig.bytes("out/\(job)/error/errors.jsonl") == [])
                try await check(inbox.requests(3), of: job, in: jobs)

                try await jobs.put(3, as: "good")
                let good = try await jobs.end(jobs.create("good"))
                #expect(try await jobs.files(good).good.count == 3)
                #expect(try await jobs.rig.keys("out/\(good.id)/") == ["out/\(good.id)/output/results.jsonl"])
                #expect(good.errorFileID == nil)
                try await jobs.put(3, as: "bad") { _ in "404" }
                let bad = try await jobs.end(jobs.create("bad"))
                #expect(try await jobs.files(bad).bad.count == 3)
                #expect(try await jobs.rig.bytes("out/\(bad.id)/output/results.jsonl") == [])
                let error = try await jobs.lines(bad.id, "error/errors")[0]["error"] as? [String: Any]
                #expect(error?["type"] as? String == "scripted" && error?["code"] as? String == "scripted")
                #expect((error?["message"] as? String)?.contains("scripted 404") == true)
                _ = worker
            }
        }

        /// Every end of the job was told of, as it was then, with what it left where.
        private func check(_ messages: [ScriptedRequest], of job: BatchID, in jobs: ArkFleet) throws {
            let told = try messages.map { request in
                try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
            }
            #expect(Set(told.compactMap { $0["EventID"] as? String }).count == 3)
            #expect(told.allSatisfy { $0["Project"] as? String == "default" })
            let names = told.compactMap { $0["EventName"] as? String }
            #expect(names == ["BatchJobFailed", "BatchJobFailed", "BatchJobFinished"])
            let infos = told.compactMap { $0["JobInfo"] as? [String: Any] }
            #expect(infos.allSatisfy { $0["JobID"] as? String == job.rawValue && $0["JobName"] as? String == "job-in" })
            #expect(infos.compactMap { $0["SuccessNum"] as? Int } == [5, 5, 20])
            #expect(infos.compactMap { $0["FailNum"] as? Int } == [15, 15, 0])
            #expect(infos.allSatisfy { $0["TotalNum"] as? Int == 20 })
            let folder = "tos://\(jobs.rig.bucket)/out/\(job)"
            #expect(infos.allSatisfy { $0["SuccessFileTOSPath"] as? String == "\(folder)/output/results.jsonl" })
            let errors = "\(folder)/error/errors.jsonl"
            #expect(infos.compactMap { $0["FailFileTOSPath"] as? String } == [errors, errors, ""])
        }

        @Test func `a job whose file was refused reads it again, and one whose window passed gets a new one`()
            async throws
        {
            try await ArkFleet.run { jobs in
                try await jobs.rig.put("in/in", Array(#"{"custom_id":"a"}"#.utf8))
                let coordinator = try await jobs.fleet.coordinator(jobs.arguments())
                let job = try await jobs.create()
                let refused = try await jobs.end(job)
                #expect(refused.status == .failed && refused.problems?.contains("body") == true)
                #expect(try await jobs.rig.keys("out/") == [])
                try await jobs.put(4)
                #expect(try await jobs.resume(job).problems == nil)
                try await jobs.wait(job, "its opening") { $0.status == .inProgress }
                let now = "expires_at = clock_timestamp()"
                _ = try await jobs.fleet.query("update batches set \(now) where id = '\(job)' returning 1")
                let expired = try await jobs.end(job)
                #expect(expired.status == .expired && expired.counts == RequestCounts(total: 4))
                #expect(try await jobs.files(expired).bad == [0, 1, 2, 3])
                _ = try await jobs.fleet.worker(jobs.backend)
                #expect(try await jobs.resume(job).expiresAt > expired.expiresAt + 86_000)
                let complete = try await jobs.end(job)
                #expect(complete.status == .completed && complete.counts.completed == 4)
                #expect(try await jobs.files(complete).good == [0, 1, 2, 3])
                #expect(try jobs.calls().values.allSatisfy { $0 == 1 })
                let missing = try await jobs.end(jobs.create("nowhere"))
                #expect(missing.status == .failed && missing.problems?.contains("InputFileTosLocation") == true)
                #expect(try await coordinator.process.stop() == .exited(0))
            }
        }

        @Test func `a job whose results cannot be written has failed, and a resume writes them without a call`()
            async throws
        {
            try await ArkFleet.run { jobs in
                try await jobs.put(10) { $0 == 3 ? "400" : "ok" }
                let inbox = try WebhookInbox()
                let wrong = try await jobs.fleet.coordinator(jobs.arguments(sink: inbox.url(), takesResults: false))
                _ = try await jobs.fleet.worker(jobs.backend)
                let job = try await jobs.create()
                let undelivered = try await jobs.end(job)
                #expect(undelivered.counts == RequestCounts(total: 10, completed: 9, failed: 1))
                #expect(undelivered.remote.output?.outcome?.status == .failed)
                let phase = "select phase from ark_jobs"
                #expect(try await jobs.fleet.query(phase) == "Failed")
                #expect(try await jobs.rig.keys("out/") == [])
                let told = String(decoding: try await inbox.requests(1)[0].body, as: UTF8.self)
                #expect(told.contains("BatchJobFailed") && told.contains("could not be written"))
                #expect(try await wrong.process.stop() == .exited(0))
                _ = try await jobs.fleet.coordinator(jobs.arguments())
                _ = try await jobs.resume(job)
                let complete = try await jobs.end(job)
                #expect(complete.counts == undelivered.counts && complete.usage == undelivered.usage)
                #expect(try await jobs.files(complete).bad == [3])
                #expect(try await jobs.fleet.query(phase) == "Completed")
                #expect(try jobs.calls().values.allSatisfy { $0 == 1 })
            }
        }

        @Test func `a job stopped after a coordinator died over its split is split anew when it goes on`()
            async throws
        {
            try await ArkFleet.run { jobs in
                try await jobs.put(900)
                let doomed = try await jobs.fleet.coordinator(jobs.arguments()).process
                try await jobs.fleet.lock("shards")
                let job = try await jobs.create()
                try await jobs.fleet.someoneIsBlocked()
                try await doomed.kill9()
                try await jobs.fleet.unlock()
                try await jobs.stop(job)
                _ = try await jobs.fleet.coordinator(jobs.arguments())
                let stopped = try await jobs.end(job)
                #expect(stopped.status == .cancelled && stopped.counts == RequestCounts())
                #expect(try await jobs.rig.keys("out/") == [])
                _ = try await jobs.fleet.worker(jobs.backend)
                _ = try await jobs.resume(job)
                let complete = try await jobs.end(job)
                #expect(complete.counts == RequestCounts(total: 900, completed: 900))
                #expect(try await jobs.files(complete).good.count == 900)
                #expect(try jobs.calls().values.allSatisfy { $0 == 1 })
            }
        }

        @Test func `two coordinators run as many jobs of a project as may be, and the next as soon as one ends`()
            async throws
        {
            try await ArkFleet.run { jobs in
                let arguments = try jobs.arguments(["ark.running_max=3", "remote.per_project_max=8"])
                let coordinators = [
                    try await jobs.fleet.coordinator(arguments), try await jobs.fleet.coordinator(arguments),
                ]
                _ = try await jobs.fleet.worker(jobs.backend)
                try await jobs.backend.hold()
                var ids: [BatchID] = []
                for number in 0..<9 {
                    try await jobs.put(1, as: "\(number)")
                    ids.append(try await jobs.create("\(number)"))
                }
                try await jobs.backend.stats(reaching: "3 held calls") { $0.held == 3 }
                let placed = "select count(*) from batches where admitted_at is not null"
                #expect(try await jobs.fleet.query(placed) == "3")
                for (number, id) in ids.enumerated() {
                    #expect(try await jobs.find(id).status == (number < 3 ? .inProgress : .validating))
                }
                try await jobs.stop(ids[1])
                try await jobs.wait(ids[3], "its place") { $0.status == .inProgress }
                #expect(try await jobs.fleet.query(placed) == "4")
                try await jobs.backend.release()
                for (number, id) in ids.enumerated() where number != 1 {
                    #expect(try await jobs.end(id).counts == RequestCounts(total: 1, completed: 1))
                }
                for coordinator in coordinators { #expect(try await coordinator.process.stop() == .exited(0)) }
            }
        }
    }
}
