import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Line } from '../../src/gateway/line.ts';
import { assertRuns } from '../harness/gateway-runs.ts';

const FILE = 'test/gateway/line.property.test.ts';

class Member {
  ahead: Member | undefined = undefined;
  behind: Member | undefined = undefined;
}

function standing(line: Line<Member>): Member[] {
  const members: Member[] = [];
  for (let member = line.head; member !== undefined; member = member.behind) members.push(member);
  return members;
}

describe('the line of parked requests', () => {
  const title = 'keeps the order in which its members joined, whoever leaves';
  it(title, () => {
    const property = fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 80, size: 'max' }), (turns) => {
      const members = Array.from({ length: 8 }, () => new Member());
      const line = new Line<Member>();
      let model: Member[] = [];
      for (const turn of turns) {
        const member = members[turn] as Member;
        if (model.includes(member)) {
          line.leave(member);
          model = model.filter((other) => other !== member);
          expect(() => line.leave(member)).toThrow('does not stand in');
        } else {
          line.join(member);
          model.push(member);
          expect(() => line.join(member)).toThrow('twice');
        }
        expect(standing(line).map((m) => members.indexOf(m))).toEqual(model.map((m) => members.indexOf(m)));
        expect([line.size, line.head]).toEqual([model.length, model[0]]);
      }
    });
    assertRuns(property, { seed: 4, numRuns: 200, file: FILE, title });
  });
});
