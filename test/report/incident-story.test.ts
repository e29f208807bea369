import { describe, expect, it } from 'vitest';
import { renderStory, type Story } from '../../src/report/incident-story.ts';

const STORY: Story = {
  title: 'Rows are lost although nothing fails.',
  source: 'Told in https://example.org/issues/7, repaired later.',
  pair: { before: 'then', after: 'now' },
  symptoms: [
    {
      what: 'rows lost',
      path: 'rows.dropped',
      reported: '1,081',
      repaired: '0',
      values: [
        { variant: 'then', value: 1080 },
        { variant: 'now', value: 0 },
      ],
    },
    {
      what: 'good (ratio)',
      path: 'good_request_fraction',
      reported: 'nobody could say, and nobody asked',
      values: [
        { variant: 'then', value: 0.125 },
        { variant: 'now', value: 1 },
      ],
    },
  ],
  variants: [
    ['then', 'The policies of then, with a story that is longer than a line of so few columns.'],
    ['now', 'Today.'],
    ['neither', ''],
  ],
  expectations: [
    { variant: 'then', path: 'rows.dropped', ok: true, text: '' },
    { variant: 'now', path: 'rows.dropped', ok: false, text: '' },
  ],
};

describe('the story of an incident', () => {
  it('has the title, the link, the numbers beside each other, and what each variant is', () => {
    expect(renderStory(STORY, 64)).toBe(`Rows are lost although nothing fails.
https://example.org/issues/7

                          reported   then  now  reported after
────────────  ────────────────────  ─────  ───  ──────────────
rows lost                    1,081  1,080    0               0
good (ratio)  nobody could say, a…  0.125    1

then     The policies of then, with a story that is longer than
         a line of so few columns.
now      Today.
neither

1 of 2 expectations of the scenario hold.
`);
  });

  it('has no column for a repair that nobody reported', () => {
    const symptoms = STORY.symptoms.map(({ repaired: _, ...rest }) => rest);
    expect(renderStory({ ...STORY, symptoms }, 80)).not.toContain('reported after');
  });
});
