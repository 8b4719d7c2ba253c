import type { Role } from '../app/http-app.ts';
import { RatingList, type Review, type ReviewList } from './shapes.ts';

const reviews: readonly Review[] = [
  { item: 'dawn', author: 'Ada', text: 'Tastes like a garden at six in the morning.' },
  { item: 'dawn', author: 'Tim', text: 'Floral. Too floral for my brother, perfect for me.' },
  { item: 'twist', author: 'Grace', text: 'Never tangles, always sweet.' },
  { item: 'weft', author: 'Ken', text: 'Sturdy. Holds milk well.' },
  { item: 'gauze', author: 'Barbara', text: 'So light that you can see through it.' },
  { item: 'loom', author: 'Edsger', text: 'Considered, dark, elegant.' },
  { item: 'selvedge', author: 'Margaret', text: 'Keeps its edge down to the last cup.' },
];

/** v1 shows no stars and asks nobody; v2 shows black stars, v3 red ones, both from ratings. */
function starsOf(version: string): ReviewList['stars'] {
  if (version === 'v1') return 'none';
  return version === 'v2' ? 'black' : 'red';
}

/** What customers say. Calls ratings by `fetch`, so that tunnelled requests are in the demo too. */
export const reviewsRole: Role = {
  name: 'reviews',
  routes: ({ version, caller }) => [
    {
      method: 'GET',
      path: '/reviews',
      handle: async ({ query, headers }) => {
        const item = query.get('item');
        const found = item === null ? reviews : reviews.filter((it) => it.item === item);
        const stars = starsOf(version);
        let ratings: Record<string, number> = {};
        if (stars !== 'none') {
          const reply = await caller.call(headers, {
            service: 'ratings',
            path: item === null ? '/ratings' : `/ratings/${encodeURIComponent(item)}`,
            isFetch: true,
          });
          ratings = RatingList.parse(reply.json).ratings;
        }
        return { status: 200, json: { version, stars, reviews: found, ratings } };
      },
    },
  ],
};
