using ClusterFs.Archive.Log;
using CsCheck;

namespace ClusterFs.Archive.Tests.Log;

public sealed class LogRulesTests
{
    /// <summary>Writers that stop anywhere, start from stale hints, hear nothing of their successes, and come back from the past.</summary>
    [Fact]
    public void However_writers_interleave_the_log_is_dense_and_one_line() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool).Array[1, 80].Sample(steps =>
        {
            var log = new List<LogRecord>();
            var writers = Enumerable.Range(0, 4).Select(i => new Writer($"n{i}")).ToList();
            var epoch = 0L;
            foreach (var (who, action, answerLost) in steps)
            {
                var writer = writers[who];
                switch (action)
                {
                    case 0:
                        writer.Want(++epoch);
                        break;
                    case 1:
                        writer.StepClaim(log, answerLost);
                        break;
                    default:
                        writer.StepDump(log, answerLost);
                        break;
                }
            }

            for (var i = 0; i < log.Count; i++)
            {
                Assert.Equal(i + 1, log[i].Slot);
                Assert.Null(LogRules.Objection(i == 0 ? null : log[i - 1], log[i]));
            }

            Assert.Equal(log.Count, log.Select(record => record.Nonce).Distinct().Count());
        });

    [Fact]
    public void An_adoption_ends_the_epoch_in_whose_name_it_stands_and_no_dump_follows_it_there()
    {
        var dump = new DumpRecord("s", 2, "d", 1, "n1", default, null!);
        var adoption = new DumpRecord("s", 3, "a", 1, "n1", default, null!) { Adopts = "kept" };

        Assert.Equal(SlotOutcome.Superseded, LogRules.OnDump(1, "other", adoption));
        Assert.Equal(SlotOutcome.Conflict, LogRules.OnDump(1, "other", dump));
        Assert.Equal(SlotOutcome.WalkOn, LogRules.OnClaim(2, "claim", adoption));
        Assert.True(LogRules.EndsEpoch(adoption));
        Assert.False(LogRules.EndsEpoch(dump));
        Assert.Null(LogRules.Objection(dump, adoption));
        Assert.Null(LogRules.Objection(adoption, adoption with { Slot = 4 }));
        Assert.Contains("kept was adopted", LogRules.Objection(adoption, dump with { Slot = 4 }), StringComparison.Ordinal);
    }

    private sealed class Writer(string node)
    {
        private ClaimRecord? _claim;
        private DumpRecord? _dump;
        private long _last;
        private bool _open;
        private bool _finished;

        public void Want(long epoch) =>
            (_claim, _dump, _open, _finished) = (new ClaimRecord("s", 1, NewNonce(), epoch, node, default), null, false, false);

        public void StepClaim(List<LogRecord> log, bool answerLost)
        {
            if (_claim is null || _open || _finished)
            {
                return;
            }

            if (_claim.Slot == log.Count + 1)
            {
                log.Add(_claim);
                if (answerLost)
                {
                    return;
                }
            }

            switch (LogRules.OnClaim(_claim.Epoch, _claim.Nonce, log[(int)_claim.Slot - 1]))
            {
                case SlotOutcome.Mine:
                    (_open, _last) = (true, _claim.Slot);
                    break;
                case SlotOutcome.WalkOn:
                    _claim = _claim with { Slot = _claim.Slot + 1 };
                    break;
                default:
                    _finished = true;
                    break;
            }
        }

        public void StepDump(List<LogRecord> log, bool answerLost)
        {
            if (!_open || _finished)
            {
                return;
            }

            _dump ??= new DumpRecord("s", _last + 1, NewNonce(), _claim!.Epoch, node, default, null!);
            if (_dump.Slot == log.Count + 1)
            {
                log.Add(_dump);
                if (answerLost)
                {
                    return;
                }
            }

            var outcome = LogRules.OnDump(_dump.Epoch, _dump.Nonce, log[(int)_dump.Slot - 1]);
            Assert.NotEqual(SlotOutcome.Conflict, outcome);
            Assert.NotEqual(SlotOutcome.WalkOn, outcome);
            if (outcome == SlotOutcome.Mine)
            {
                (_last, _dump) = (_dump.Slot, null);
            }
            else
            {
                _finished = true;
            }
        }

        private static string NewNonce() => Guid.NewGuid().ToString("N");
    }
}
